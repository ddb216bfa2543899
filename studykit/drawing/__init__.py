"""How all pictures are drawn: `style` has colours and marks, `canvas` repaints quickly."""
