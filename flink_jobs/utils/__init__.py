"""The rules of event time: watermark generators and the combining of inputs."""
