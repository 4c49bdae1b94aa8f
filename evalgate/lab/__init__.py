"""The lab: real quantized variants of a small real model, served on this machine as providers of their own.

It is what the ready-made suites were recorded with, what `make lab` judges live, and where a newcomer can watch a gate
catch a quantization that is too coarse. Nothing else of evalgate needs it.
"""
