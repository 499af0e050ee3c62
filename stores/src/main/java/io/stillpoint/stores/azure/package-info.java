/// Azure's Blob Storage as a store: [io.stillpoint.stores.azure.AzureStore].
@NullMarked
package io.stillpoint.stores.azure;

import org.jspecify.annotations.NullMarked;
