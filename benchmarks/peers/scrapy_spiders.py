"""The spider of the Scrapy rows; runs in the competitors' environment, not in ours.

-a mode=list  -a target=FILE   a list of image addresses
-a mode=crawl -a target=URL    all pages of a host and their images
"""

from pathlib import Path
from urllib.parse import urlsplit

import scrapy
from scrapy.linkextractors import LinkExtractor

IMAGES = "//img/@src | //source/@srcset | //link[contains(@rel, 'icon')]/@href"


class MediaSpider(scrapy.Spider):
    name = "media"

    def __init__(self, mode, target, **kwargs):
        super().__init__(**kwargs)
        self.mode, self.target = mode, target
        self.links = LinkExtractor(allow_domains=[urlsplit(target).netloc])

    async def start(self):
        yield scrapy.Request(
            self.target if self.mode == "crawl" else Path(self.target).resolve().as_uri()
        )

    def parse(self, response):
        if self.mode == "list":
            yield from (self.item([url]) for url in response.text.split())
        elif isinstance(response, scrapy.http.HtmlResponse):
            yield from self.follow(response)

    def follow(self, response):
        yield self.item([response.urljoin(src) for src in response.xpath(IMAGES).getall()])
        for link in self.links.extract_links(response):
            yield scrapy.Request(link.url)

    @staticmethod
    def item(urls):
        return {"image_urls": urls, "file_urls": urls}
