package io.stillpoint.vault;

import io.stillpoint.vault.store.ForwardingStore;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Predicate;

/// A store of which certain answers do not come until they are let go, or fail then; and which counts what it is asked.
final class HangingStore extends ForwardingStore {
    private static final long MINUTES_MAX = 2;

    private final AtomicInteger packListings = new AtomicInteger();
    private final AtomicInteger indexListings = new AtomicInteger();
    private volatile Optional<Hold> hold = Optional.empty();

    HangingStore(ObjectStore store) {
        super(store);
    }

    /// What can be held up: the opening of an object, the making of one, the listing of an area.
    enum Call {
        OPEN,
        COMMIT,
        LIST
    }

    /// Answers that do not come.
    final class Hold {
        private final Call call;
        private final Predicate<String> path;
        private final CountDownLatch reached = new CountDownLatch(1);
        private final CountDownLatch released = new CountDownLatch(1);
        private final AtomicInteger asked = new AtomicInteger();
        private final boolean isOnce;
        private volatile Optional<RuntimeException> failure = Optional.empty();

        private Hold(Call call, Predicate<String> path, boolean isOnce) {
            this.call = call;
            this.path = path;
            this.isOnce = isOnce;
        }

        /// Waits until somebody asks.
        void awaitAsked() throws InterruptedException {
            if (!reached.await(MINUTES_MAX, TimeUnit.MINUTES)) {
                throw new AssertionError("nobody asked");
            }
        }

        int asked() {
            return asked.get();
        }

        void release() {
            hold = Optional.empty();
            released.countDown();
        }

        void fail(RuntimeException with) {
            failure = Optional.of(with);
            release();
        }

        private void pass(Call asking, String name) {
            if (asking != call || !path.test(name)) {
                return;
            }
            if (isOnce) {
                hold = Optional.empty();
            }
            asked.incrementAndGet();
            reached.countDown();
            boolean interrupted = false;
            while (true) {
                try {
                    if (!released.await(MINUTES_MAX, TimeUnit.MINUTES)) {
                        throw new AssertionError("held for ever: " + name);
                    }
                    break;
                } catch (InterruptedException e) {
                    // A request does not end by it.
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            failure.ifPresent(thrown -> {
                throw thrown;
            });
        }
    }

    /// From now on such answers do not come.
    Hold hold(Call call, Predicate<String> path) {
        return hold(call, path, false);
    }

    /// As above, but the next one only.
    Hold holdOnce(Call call, Predicate<String> path) {
        return hold(call, path, true);
    }

    private Hold hold(Call call, Predicate<String> path, boolean isOnce) {
        Hold made = new Hold(call, path, isOnce);
        hold = Optional.of(made);
        return made;
    }

    int packListings() {
        return packListings.get();
    }

    int indexListings() {
        return indexListings.get();
    }

    private void pass(Call call, String name) {
        hold.ifPresent(each -> each.pass(call, name));
    }

    @Override
    public Upload create(ObjectName name) {
        return new ForwardingUpload(super.create(name)) {
            @Override
            public void commit() {
                pass(Call.COMMIT, name.toString());
                super.commit();
            }
        };
    }

    @Override
    public StoredObject open(ObjectName name) {
        pass(Call.OPEN, name.toString());
        return super.open(name);
    }

    @Override
    public void list(Area area, Consumer<Listed> visitor) {
        if (area == Area.PACKS) {
            packListings.incrementAndGet();
        } else if (area == Area.INDEX) {
            indexListings.incrementAndGet();
        }
        pass(Call.LIST, area.folder());
        super.list(area, visitor);
    }
}
