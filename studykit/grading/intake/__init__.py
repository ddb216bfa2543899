"""From a folder or archive of submissions to one notebook and one identity each."""
