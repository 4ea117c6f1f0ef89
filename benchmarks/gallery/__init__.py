"""The gallery with a million images: a crawl that is made up, and what looking at it costs."""
