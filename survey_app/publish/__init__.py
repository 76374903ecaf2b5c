"""What leaves the store: snapshots, and the charts and downloads that are made from them."""
