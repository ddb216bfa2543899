"""The loopback interface: free ports, their owners, and one way to ask a service over HTTP."""
