"""What a lesson's buttons start for a minute: each has a broker of its own, and leaves nothing."""
