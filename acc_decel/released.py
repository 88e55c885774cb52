"""SHA-256 of the files of every released model. Written by `.ci/renew_models.py`, do not edit."""

RELEASED: dict[str, dict[str, str]] = {
    "compact": {
        "network.npz": "6747177d549ee6e31aaca31525762ad85cc6804bb0f13259b164dc614838098a",
        "model.onnx": "a5c0bf29d0d62318d06d61eaaf3a3c36301f4211325d70aa662ad6d6e453b9bd",
        "metrics.json": "a0cd3ae77563ed725fcb202e21ca3a9f7a38f47ed351c687b4a70ecc19cebb1c",
        "attribution.onnx": "faab9bedb8a7b905cde52a628f515849612d280637da6c58d545a94462ef2063",
    },
    "heavy_suv": {
        "network.npz": "aa36b034a812ea050d62989cd8ebb600bce6e1e234202404d73092d79520591b",
        "model.onnx": "e2dca6741bc17c71629c49d10d7494e581a35b89a575b2dd573fe2aa8ba2b4dd",
        "metrics.json": "a0921c5404ab72de60d335e435502491ddaa02dd43131032d0211a75837b6b8d",
        "attribution.onnx": "9430bfc52a9ac1e35c6b076fe93fcc7e87988e57cb8fc57ad6a8b7d4dade567b",
    },
    "offroader": {
        "network.npz": "932ab032cc7771bb5dc14a1ce054e7feca4e96497b1d0ca639f0fbceaee61741",
        "model.onnx": "6eff6df83dee588ab78e3a99467c7508d7de0dcd3b4bbebac25173488db26d7c",
        "metrics.json": "4c420fb2ada01e8dd7f2b8cd178c5e0fe343eb28bd97785682b193d0f90a1ba1",
        "attribution.onnx": "c5c14957bd5b02ae1da0a064e380de4510a5c393f2041bcc841d06afd3c3c742",
    },
    "saloon": {
        "network.npz": "af5ec9a76900b6a2c61ed1863264f7d605ac30aa8b9e6f0364d45d1b13bcd276",
        "model.onnx": "f7518b1f2368f295846f3c9951f8ca1fb82459a4639cc8dbf80a288c9694988f",
        "metrics.json": "b39492410cbffbed9b8c9b678918dffaa7b9f13e3612d6ccc719276ea23c918f",
        "attribution.onnx": "e94afaab9cfdc769c8854036049f4d47ea85ef8cc6d60ed4c1924d04da94001f",
    },
    "sports": {
        "network.npz": "a83e220c9e145a6d7039a23e66526fc2d0ef6c3b800ab2db333d64d4831f4c20",
        "model.onnx": "1765ac1531b9b43c2fb4f3e86e2392a902a5fb64db8f0863bb1a1144f27e6f41",
        "metrics.json": "90419f2e5a2b509d5c488ab6d3f30a6b399039b7099b4360749d17dd965d9662",
        "attribution.onnx": "695b4f79465633f999025f8faa19263abe337b76da5aa58188cb56803f1a322b",
    },
    "suv": {
        "network.npz": "f2231124eb1a65c2e471f79ba817c12b38848adf06a0ac4bf9451d36c08cebc6",
        "model.onnx": "9b00efd487f0e7100a926b5570692fdab27f7da86fb55e0412a2f5e8bd34486c",
        "metrics.json": "3406b0ba1c2c9c87aac3745c35fd7e109be0314476b9028692e4f31c655ccae2",
        "attribution.onnx": "b7358ab86dfb6b071302a66c5bd45c9969128780dbe64a2a28fbd2711d6dd448",
    },
    "van": {
        "network.npz": "b20fd2ca193ff47c09686b4d56de602326c2edb2e88fa130cacd9e2c248a7671",
        "model.onnx": "337fdee23f6882c4454d46d700f48176556d37c0bf54aa5afd64259b4bfbc0be",
        "metrics.json": "9588b734d9b21b089d33e438d1cc4ab555b84c1b7d8d70bcdf7ab2fb2eddc4f4",
        "attribution.onnx": "c871ebce90f004cbb5ad395d360c8db88abf1fd4e7f45b23cae08cc40fe8a543",
    },
}
