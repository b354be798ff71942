#!/bin/sh
# The gate of the work stage. It runs in the task's worktree; exit 0 lets the work pass, anything else sends all that was
# printed back to the agent.
#
# IT CHECKS NOTHING YET. Replace the lines below with what your project is checked with, for example:
#
#   set -e
#   cargo test
#   cargo clippy --all-targets -- -D warnings

echo 'checks.sh CHECKS NOTHING: it is the sample that "orchestra init" wrote.' >&2
echo 'Put the checks of your project into .orchestra/scripts/checks.sh.' >&2
exit 0
