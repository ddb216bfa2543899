"""What can be seen of a running job from outside: health, metrics over HTTP, and logs."""
