"""Which files are pictures by their names, and which of them are read.

Pillow knows some 40 formats. Some of them start other programs (EPS starts Ghostscript) and most are never met in a
collection of images, so that only those of `FORMATS` are ever tried, under any name.
"""

from __future__ import annotations

from PIL import features

_ENDINGS = {  # Pillow's format: endings of its files
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jif", ".jfif", ".jfi", ".mpo"),
    "PNG": (".png", ".apng"),
    "BMP": (".bmp",),
    "DIB": (".dib",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "JPEG2000": (".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc"),
    "AVIF": (".avif", ".avifs"),
}
_NEEDS = {"WEBP": "webp", "JPEG2000": "jpg_2000", "AVIF": "avif"}  # what Pillow may have been built without
_KNOWN = {*features.modules, *features.codecs}  # Pillow before 11.3 knows no AVIF
_ABSENT = {name for name, feature in _NEEDS.items() if feature not in _KNOWN or not features.check(feature)}

FORMATS = tuple(name for name in _ENDINGS if name not in _ABSENT)
EXTENSIONS = tuple(ending for name in FORMATS for ending in _ENDINGS[name])

_OTHERS = {  # what such a file is: its endings
    "HEIF": (".heic", ".heif", ".hif"),
    "DICOM": (".dcm", ".dicom"),
    "camera raw": (
        *(".raw", ".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".sr2", ".orf", ".rw2", ".raf", ".pef"),
        *(".srw", ".x3f", ".3fr", ".iiq"),
    ),
    "a whole slide or microscope image": (".svs", ".ndpi", ".mrxs", ".scn", ".vms", ".bif", ".czi", ".lif", ".nd2"),
    "a medical volume": (".nii", ".nii.gz", ".nrrd", ".mha", ".mhd"),
    "FITS": (".fits", ".fit", ".fts"),
    "JPEG XL": (".jxl",),
    "JPEG XR": (".jxr", ".wdp", ".hdp"),
    "a high dynamic range image": (".exr", ".hdr", ".pfm"),
    "a drawing": (".svg", ".svgz", ".eps", ".wmf", ".emf"),
    "Photoshop": (".psd", ".psb"),
    "GIMP": (".xcf",),
    "another image format": (".tga", ".ico", ".icns", ".pcx", ".qoi", ".bpg", ".dds", ".sgi", ".ras", ".xbm", ".xpm"),
}
UNREADABLE = {ending: kind for kind, endings in _OTHERS.items() for ending in endings} | {
    ending: f"{name}, which this build of Pillow cannot read" for name in sorted(_ABSENT) for ending in _ENDINGS[name]
}
"""Endings of files that are plainly pictures and are not read -> what they are."""
