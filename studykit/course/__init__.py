"""The course builder: from one source per notebook to lessons, labs and solutions."""
