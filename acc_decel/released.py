"""SHA-256 of the files of every released model. Written by `.ci/renew_models.py`, do not edit."""

RELEASED: dict[str, dict[str, str]] = {
    "compact": {
        "network.npz": "ff014221ceb7feea3b278994be5265f291024ac46e5f789c2eff8ce02ff815a5",
        "model.onnx": "a58376aa6278ee4c700d65eb5b2c00a45a53d4dd7bd7862292634219c474779b",
        "attribution.onnx": "5e5c50c18cab3ac3960f9846e0be58c2370f6288fdec4691654d7a461154d3ac",
        "metrics.json": "e7a0893738fcee270f4219c6e3727758ac9a1d505adbe79280b8cd65cafe4a41",
    },
    "heavy_suv": {
        "network.npz": "299c8588536bcc18a17572e90c1b2d7cc9257ef068bfda07966ecabf8f66db7c",
        "model.onnx": "7da4b0bd2c548dbf46b55a7490088c06e5eb1fe5cc6d783ac4f45c24b7e88ebb",
        "attribution.onnx": "2c1948e2714cc6732958f9efbc3a6e526a2646e93c33e16c94d477b598777c24",
        "metrics.json": "fbf876a125f1779ed162a98e49e936a5a4709cc5a2301b6a787d5d6182405934",
    },
    "offroader": {
        "network.npz": "30e4ca1b87c701755f4c9e6e886a681691ee8e21bbea2cb6d06f087735ad00fc",
        "model.onnx": "b0d4b0f781519166334af9e184e13605479c760eef4bf1e41fab32b97026fc28",
        "attribution.onnx": "41cb01012b0e72db4254f4e4a72db2391b6022aaea886662b49e7b98bce3efd8",
        "metrics.json": "c27a30133850a6309bfd6ab24739f23c7a910b32ea20f078a5cc8d497d659f60",
    },
    "saloon": {
        "network.npz": "e7145d8a647aa6caaa1a6f0a312c8e277849bf6d87622992d829a4dc97d06dbc",
        "model.onnx": "42dc7569b9aef2741659868216d163178fa9facbff9211b185c15b0811464637",
        "attribution.onnx": "fc9b6943c3fd6dda4c3753c666795f3e684275095de970a410c2e8188829eea7",
        "metrics.json": "498ef2cdf4c18ec7e66fd5addb5e42229b29f2e491f6ecc5611b616c60f14da8",
    },
    "sports": {
        "network.npz": "5b80585075c8facc2a4620a522bffec2242dbc6f61872f200c2b4488ffef217b",
        "model.onnx": "8966d7fe205536a2b6f0daea2d2aafbfbb2c73fd9d15076c7f5ef1d43baedaa9",
        "attribution.onnx": "45920cedafa218ca0d784d86270f5d6dd487c1258545cf4989a02f6f37462333",
        "metrics.json": "bb9e78da13da667cad28c018c5cb4a7635787b36a42d509762077bd3f4ffdbd0",
    },
    "suv": {
        "network.npz": "3f2e56689144cbf4f05e723c4b614db48be4285325e2f664b3924a57ca554c73",
        "model.onnx": "d54fffa2d5c0ef70641679b62631cf8ac316dc999353af472858e557d50f3698",
        "attribution.onnx": "a93cb05631812975adfaf3eaf431af4a3d22417891c6f3ac1d58a7b009b45268",
        "metrics.json": "764564b65c4c15803fd189516947b700f6e16eba3478118e7006e21fd187a261",
    },
    "van": {
        "network.npz": "fbe42b35f89fa715d663dc4ac2142b926e6a8444310a866fb0fe29105df38122",
        "model.onnx": "74a0f0ee6e74130b92bd4d74d9ad2e6ce987b5dc36f26c7812392fca00de0adc",
        "attribution.onnx": "6e8967db357f9e58f161879fcc49bc2f36a2122da3b8314fbeb75ae995474826",
        "metrics.json": "550cf2a9910c31e7aa09e44d7f0053b446619eb5cbe36ecb7ed5922c697a3b0f",
    },
}
