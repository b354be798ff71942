#!/bin/sh
# The gate of the stage `work`: its output goes back to the agent when it fails.
set -e

# The acceptance tests of quoting: outside of the worktree's reach, so that no agent can bend them.
. src/csv.sh
if [ "$ORCHESTRA_TASK_SLUG" = csv-quoting ]; then
    cases=0
    check() {
        cases=$((cases + 1))
        [ "$1" = "$2" ] || { printf 'FAIL  %s\n        expected  %s\n        got       %s\n' "$3" "$2" "$1"; exit 1; }
    }
    check "$(csv_row 'a,b' c)" '"a,b",c' 'a field with a comma is quoted'
    check "$(csv_row 'say "hi"' c)" '"say ""hi""",c' 'a quote inside of a field is doubled'
    printf 'acceptance: %s cases passed\n' "$cases"
fi
exec sh tests/run.sh
