"""Run by a Python that has MediaPipe: what its ImageClassifier says of pictures, and what its schema reads in metadata.

python mediapipe_reader.py MODEL METADATA PICTURES.npy  ->  JSON
"""

import json
import sys

import mediapipe
import numpy as np
from mediapipe.tasks.metadata import metadata_schema_py_generated as schema
from mediapipe.tasks.python import vision
from mediapipe.tasks.python.core.base_options import BaseOptions


def probabilities(model, pictures):
    options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=model))
    with vision.ImageClassifier.create_from_options(options) as classifier:
        for pixels in pictures:
            image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(pixels))
            found = classifier.classify(image).classifications[0].categories
            yield {category.category_name: category.score for category in found}


def facts(metadata):
    with open(metadata, "rb") as file:
        content = file.read()
    assert schema.ModelMetadata.ModelMetadataBufferHasIdentifier(content, 0)
    whole = schema.ModelMetadataT.InitFromObj(schema.ModelMetadata.GetRootAsModelMetadata(content, 0))
    (graph,) = whole.subgraphMetadata
    (source,), (target,) = graph.inputTensorMetadata, graph.outputTensorMetadata
    properties = source.content.contentProperties
    (unit,) = source.processUnits
    (labels,) = target.associatedFiles
    return {
        "name": whole.name.decode(),
        "description": whole.description.decode(),
        "parser": whole.minParserVersion.decode(),
        "associated": [each.name.decode() for each in whole.associatedFiles],
        "colour": properties.colorSpace,
        "size": [properties.defaultSize.height, properties.defaultSize.width],
        "mean": [float(value) for value in unit.options.mean],
        "std": [float(value) for value in unit.options.std],
        "limits": [float(source.stats.min[0]), float(source.stats.max[0])],
        "labels": [labels.name.decode(), labels.type],
    }


if __name__ == "__main__":
    model, metadata, pictures = sys.argv[1:]
    found = {"facts": facts(metadata), "rows": list(probabilities(model, np.load(pictures)))}
    sys.stdout.write(json.dumps(found) + "\n")
