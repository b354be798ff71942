
# orchestra cd TASK goes to a task's worktree, orchestra cd to the source checkout.
function orchestra --description 'Run many AI coding agents side by side'
    if test "$argv[1]" = cd; and not contains -- "$argv[2]" --help -h
        set --local what $argv[2]
        test -n "$what"; or set what --project
        set --local place (command orchestra path $what); and builtin cd -- $place
    else
        command orchestra $argv
    end
end

# The names of tasks, beside what is completed already.
complete --command orchestra --no-files --condition '__fish_seen_subcommand_from @VERBS@' --arguments '(command orchestra __names 2>/dev/null)'
complete --command ork --wraps orchestra
