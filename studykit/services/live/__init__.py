"""What a lesson's buttons and a lab's last cell start for a minute: each on a broker of its own."""
