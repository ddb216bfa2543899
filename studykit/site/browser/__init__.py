"""What the site's wheel has in place of packages that no browser can load.

`matplotlib` is the part of Matplotlib that the figures use, drawn as SVG: a browser paints it, so
that no numpy is needed. `canvas` and `film` take the places of `studykit.drawing.canvas` and
`studykit.drawing.film`. The figures themselves are the same files here and there, and the tests
compare where either draws each mark.
"""
