"""How all pictures are drawn: colours, axes, and a canvas that repaints quickly."""
