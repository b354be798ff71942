
# orchestra cd TASK goes to a task's worktree, orchestra cd to the source checkout.
orchestra() {
    if [[ "${1-}" == cd && "${2-}" != --help && "${2-}" != -h ]]; then
        local place
        place=$(command orchestra path "${2:---project}") && builtin cd -- "$place"
    else
        command orchestra "$@"
    fi
}

# The names of tasks, beside what is completed already.
_orchestra_tasks() {
    local at=2
    case "${words[2]-}" in (trak|task) at=3 ;; esac
    if (( CURRENT == at + 1 )) && [[ " @VERBS@ " == *" ${words[at]} "* && "${words[CURRENT]}" != -* ]]; then
        local -a names
        names=(${(f)"$(command orchestra __names 2>/dev/null)"})
        compadd -a names
    else
        _orchestra "$@"
    fi
}
if (( $+functions[compdef] )); then
    compdef _orchestra_tasks orchestra ork
fi
