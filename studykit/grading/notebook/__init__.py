"""From files to what is run: the notebook that counts, and its cells in the order of their run."""
