# CSV rows for the shell. Source this file.

# csv_field TEXT: one field.
csv_field() {
    printf '%s' "$1"
}

# csv_row FIELD...: the fields, separated by commas, and a line break.
csv_row() {
    row_first=yes
    for row_field in "$@"; do
        [ "$row_first" = yes ] || printf ','
        row_first=no
        csv_field "$row_field"
    done
    printf '\n'
}
