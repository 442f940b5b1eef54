"""Getting the official images and tables: resumable, checked, and free of the command line.

Why the challenge files, and neither isic-cli nor the archive's API behind it:

- They are what the paper used, as everyone does who reports on these challenges. The archive (isic-cli 12.4, API v2)
  gives the images of a collection as they are today, without the `_downsampled` copies of 2019, and metadata of another
  form (`isic_id`, `diagnosis_1` ... instead of `image_name`, `target` and the one-hot columns of 2019).
- isic-cli asks for 58,457 images one by one. It compares sizes but no checksums, starts a file that was cut from its
  beginning, does not look at the errors of its threads before it reports success, and its addresses are fixed, so no
  mirror can stand in for them. The challenge files are two zips and four tables.

HAM10000 comes from Harvard Dataverse, where its authors publish it.

Where the checksums come from:

- HAM10000: Dataverse publishes an MD5 of each file; those are in `sources.py`.
- ISIC publishes none. Its bucket gives the MD5 of a file that was uploaded in one piece as its ETag, which is used where
  it is so. The zips are above the 5 GB that S3 takes in one piece, so no checksum of the whole is known: their size
  must agree, and every image in them carries a CRC-32 that is checked when it is unpacked.
- What came is listed in `SHA256SUMS`, so that `fetch --check` (or `sha256sum -c`) finds later damage.

requests does the HTTP. pooch, the usual library for data sets, cannot resume a file, which matters at 24 GB.
"""
