"""Download of the official images and tables: resumable, checked, and free of the command line.

There are two ways, `--via archives` (the challenges' own files) and `--via api` (the ISIC Archive of today).

Why the challenge files are the default:

- They are what the paper and everyone else who reports on these challenges used. The archive (isic-cli 12.4, API v2)
  gives the images of a collection as they are today, without the `_downsampled` copies of 2019, and metadata of another
  form (`isic_id`, `diagnosis_1` ... instead of `image_name`, `target` and the one-hot columns of 2019). So `--via api`
  takes the official tables, too.
- They are two zips and four tables instead of 37,648 files.

Why not isic-cli itself (12.4): it drops the errors of its threads and then reports success, checks no image that it wrote
(with one of twelve images refused and one an HTML page it reported "Successfully downloaded 12 images"),
takes a search or a collection but no list of images (the merge needs 4,522 of the 25,331 of 2019), shows licences only
after the download, and brings sixteen packages, Sentry's client among them. `archive_api.py` follows the API that it uses.

HAM10000 comes from Harvard Dataverse, where its authors publish it.

Where the checksums come from:

- HAM10000: Dataverse publishes an MD5 of each file; those are in `sources.py`.
- ISIC publishes none. Its bucket gives the MD5 of a file that was uploaded in one piece as its ETag, which is used where
  it is so. The zips are above the 5 GB that S3 takes in one piece, so no checksum of the whole is known: their size
  must agree, and every image in them carries a CRC-32 that is checked when it is unpacked.
- The archive's API states the size of each image. Where its file server gives an MD5, that must agree; and the image is
  read to its end before it gets its name.
- Every downloaded file is listed in `SHA256SUMS`, so that `fetch --check` (or `sha256sum -c`) finds later damage.

requests does the HTTP. pooch, the usual library for data sets, cannot resume a file, which matters at 24 GB.
"""
