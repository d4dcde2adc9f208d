"""What is sold: articles, barcodes, bundles, prices."""
