package io.stillpoint.vault.index;

import io.stillpoint.vault.pack.Where;
import io.stillpoint.vault.store.ObjectStore.StoredObject;
import javax.crypto.SecretKey;

/// A stored segment, open for reading, its header checked.
record SegmentFile(StoredObject object, Where where, SecretKey key) {}
