#!/bin/sh
# Runs every test_* function of tests/*_test.sh; exit code 1 when one fails.
cd "$(dirname "$0")/.." || exit 2
. src/csv.sh

failed=0
passed=0

# expect NAME ACTUAL EXPECTED
expect() {
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
        printf 'ok    %s\n' "$1"
    else
        failed=$((failed + 1))
        printf 'FAIL  %s\n        expected  %s\n        got       %s\n' "$1" "$3" "$2"
    fi
}

for file in tests/*_test.sh; do
    . "./$file"
done

printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
