"""From a folder, an archive or a list to one identity each, and the files that each handed in."""
