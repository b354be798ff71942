expect 'plain fields stay plain' "$(csv_row id name)" 'id,name'
expect 'an empty field is empty' "$(csv_row a '' b)" 'a,,b'
