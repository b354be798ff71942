
# orchestra cd TASK goes to a task's worktree, orchestra cd to the source checkout.
orchestra() {
    if [ "${1-}" = cd ] && [ "${2-}" != --help ] && [ "${2-}" != -h ]; then
        local path
        path=$(command orchestra path "${2:---project}") && builtin cd -- "$path"
    else
        command orchestra "$@"
    fi
}

# The names of tasks, beside what is completed already.
_orchestra_tasks() {
    local at=1
    case "${COMP_WORDS[1]-}" in trak | task) at=2 ;; esac
    if [ "$COMP_CWORD" -eq $((at + 1)) ] && [[ " @VERBS@ " == *" ${COMP_WORDS[at]} "* ]]; then
        case "${COMP_WORDS[COMP_CWORD]}" in
            -*) ;;
            *)
                mapfile -t COMPREPLY < <(compgen -W "$(command orchestra __names 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}")
                return
                ;;
        esac
    fi
    _orchestra "$@"
}
complete -F _orchestra_tasks -o bashdefault -o default orchestra ork
