"""Results, marks, and the pages that show them."""
