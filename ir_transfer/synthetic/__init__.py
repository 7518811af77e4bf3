"""Rendered street scenes: registered RGB and infrared images from one physical model."""
