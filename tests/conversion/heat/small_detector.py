"""Detectors with random weights and predetermined detections."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN, maskrcnn_resnet50_fpn_v2
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.ops import MultiScaleRoIAlign

from ir_transfer.conversion.heat.mask_rcnn import CLASSES, SCORE


class _Backbone(nn.Module):
    out_channels = 8

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 16, stride=16)

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        return OrderedDict({"0": self.conv(images)})


def small_detector(name: str = "person", count: int = 3) -> MaskRCNN:
    """Return a tiny network that detects objects of a class at ``count`` random positions of every image."""
    torch.manual_seed(0)
    model = MaskRCNN(
        _Backbone(),
        min_size=64,
        max_size=128,
        rpn_anchor_generator=AnchorGenerator(((24,),), ((0.5, 1.0, 2.0),)),
        rpn_pre_nms_top_n_test=50,
        rpn_post_nms_top_n_test=10,
        box_roi_pool=MultiScaleRoIAlign(["0"], 7, 2),
        box_head=TwoMLPHead(8 * 49, 16),
        box_predictor=FastRCNNPredictor(16, len(CLASSES)),
        box_score_thresh=SCORE,
        box_detections_per_img=count,
        mask_roi_pool=MultiScaleRoIAlign(["0"], 14, 2),
        mask_head=MaskRCNNHeads(8, (8,), 1),
        mask_predictor=MaskRCNNPredictor(8, 8, len(CLASSES)),
    )
    return sees(model, name)


def full_detector(name: str = "person") -> MaskRCNN:
    """Return torchvision's own network with random weights, which finds a few objects as large as the image."""
    torch.manual_seed(0)
    model = maskrcnn_resnet50_fpn_v2(weights=None, weights_backbone=None)
    with torch.no_grad():
        model.rpn.head.bbox_pred.weight.zero_()
        model.rpn.head.bbox_pred.bias[:] = torch.tensor([0.0, 0.0, 10.0, 10.0] * 3)
        model.roi_heads.box_predictor.bbox_pred.weight.zero_()
        model.roi_heads.box_predictor.bbox_pred.bias.zero_()
    return sees(model, name)


@torch.no_grad()
def sees(model: MaskRCNN, name: str) -> MaskRCNN:
    """Make a network detect an object of one class that fills its box at every position."""
    model.roi_heads.box_predictor.cls_score.weight.zero_()
    model.roi_heads.box_predictor.cls_score.bias[:] = 0.0
    model.roi_heads.box_predictor.cls_score.bias[CLASSES.index(name)] = 8.0
    model.roi_heads.mask_predictor.mask_fcn_logits.weight.zero_()
    model.roi_heads.mask_predictor.mask_fcn_logits.bias[:] = 4.0
    return model.eval()
