"""A store in a bucket that speaks S3. Nothing here is loaded for a crawl into a folder."""
