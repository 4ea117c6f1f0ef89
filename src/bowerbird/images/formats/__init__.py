"""One module for each image format; see `bowerbird.images.base.Format`."""
