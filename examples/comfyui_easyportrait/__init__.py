"""Two nodes for ComfyUI: masks of a portrait's parts, and effects. Copy this folder into
custom_nodes/ and install easyportrait into ComfyUI's Python."""

import numpy as np
import torch

import easyportrait
from easyportrait.taxonomy import CLASSES

MODEL = easyportrait.load()


def pictures(image: torch.Tensor) -> list[np.ndarray]:
    """ComfyUI's IMAGE, (B, H, W, 3) float in [0, 1] -> (H, W, 3) uint8 each."""
    return list((image[..., :3].clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy())


class EasyPortraitMask:
    CATEGORY, FUNCTION, RETURN_TYPES = "easyportrait", "mask", ("MASK",)

    @classmethod
    def INPUT_TYPES(cls) -> dict:  # noqa: N802
        parts = ["whole person", *CLASSES.names]
        return {"required": {"image": ("IMAGE",), "part": (parts,)}}

    def mask(self, image: torch.Tensor, part: str) -> tuple[torch.Tensor]:
        masks = []
        for picture in pictures(image):
            parsing = easyportrait.parse(picture, model=MODEL)
            masks.append(parsing.person if part == "whole person" else parsing.region(part))
        return (torch.from_numpy(np.stack(masks)),)


class EasyPortraitEffects:
    CATEGORY, FUNCTION, RETURN_TYPES = "easyportrait", "edit", ("IMAGE",)
    AMOUNT = ("FLOAT", {"default": 0.0, "min": 0.0, "max": 1.0, "step": 0.05})

    @classmethod
    def INPUT_TYPES(cls) -> dict:  # noqa: N802
        names = ("whiten_teeth", "smooth_skin", "shape_light", "blur_background")
        return {"required": {"image": ("IMAGE",), **dict.fromkeys(names, cls.AMOUNT)}}

    def edit(self, image: torch.Tensor, **amounts: float) -> tuple[torch.Tensor]:
        wishes = {name: amount for name, amount in amounts.items() if amount > 0}
        edited = [
            easyportrait.apply(picture, model=MODEL, **wishes) if wishes else picture
            for picture in pictures(image)
        ]
        return (torch.from_numpy(np.stack(edited).astype(np.float32) / 255),)


NODE_CLASS_MAPPINGS = {
    "EasyPortraitMask": EasyPortraitMask,
    "EasyPortraitEffects": EasyPortraitEffects,
}
NODE_DISPLAY_NAME_MAPPINGS = {
    "EasyPortraitMask": "Portrait parts",
    "EasyPortraitEffects": "Portrait effects",
}
