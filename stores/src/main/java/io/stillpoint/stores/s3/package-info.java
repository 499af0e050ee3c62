/// S3 and what speaks its protocol. [io.stillpoint.stores.s3.S3Store] is the store; it relies on conditional writes
/// (`If-None-Match: *`), which [io.stillpoint.stores.s3.S3Store#probe] checks.
@NullMarked
package io.stillpoint.stores.s3;

import org.jspecify.annotations.NullMarked;
