"""What both processes need on the wire: middleware, security headers, the launcher, sessions and downloads."""
