"""The teaching tools: services without Docker, traces, figures, checks and grading."""

import sys

# jsonschema loads this package if it finds it, to check addresses that no notebook has. It builds
# forty parsers first: without it every command that reads a notebook answers 1.5 s sooner.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
