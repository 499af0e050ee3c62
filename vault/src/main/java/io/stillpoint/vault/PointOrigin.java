package io.stillpoint.vault;

import io.stillpoint.vault.store.ObjectId;

/// The point of another vault that this one is a copy of.
public record PointOrigin(ObjectId vault, ObjectId point) {}
