package io.stillpoint.vault.session;

import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.record.PackList;
import io.stillpoint.vault.record.Records;
import io.stillpoint.vault.record.Records.Found;
import io.stillpoint.vault.record.Session;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Keeps a session's record in the store from its start to its end, so that nothing that the session relies on is pruned
/// (`docs/locking.md`).
public final class SessionGuard implements AutoCloseable {
    private static final Duration RENEWAL = Duration.ofHours(1);
    private static final Duration RENEWAL_PAUSE = Duration.ofMinutes(2);

    private final VaultParts parts;
    private final Records records;
    private final Set<ObjectId> avoided;
    private final Renewal renewal;
    private Session session;
    private final List<Session> older = new ArrayList<>();
    private volatile boolean lingers;
    private boolean closed;

    private SessionGuard(
            VaultParts parts, Session session, List<Session> older, Set<ObjectId> avoided) {
        this.parts = parts;
        this.session = session;
        this.older.addAll(older);
        this.avoided = Set.copyOf(avoided);
        records = parts.records();
        renewal =
                new Renewal(
                        parts.contents().process().threads(), RENEWAL, RENEWAL_PAUSE, this::renew);
        renewal.start();
    }

    /// Puts the record, then looks what is to be avoided.
    public static SessionGuard open(VaultParts parts, Duration patience, Set<ObjectId> bases) {
        Records records = parts.records();
        Randomness randomness = parts.randomness();
        List<PackList> known = pending(records);
        Session session =
                new Session(
                        ObjectId.random(randomness),
                        ObjectId.random(randomness),
                        parts.clock().instant(),
                        parts.clock().instant(),
                        patience.toSeconds(),
                        bases,
                        ids(known));
        put(parts, session);
        try {
            // Again: whoever did not see our record was too early for what we see now.
            Set<ObjectId> avoided = new HashSet<>();
            pending(records).forEach(list -> avoided.addAll(list.packs()));
            // What we say we know we must avoid, even if this listing is older than the first.
            known.forEach(list -> avoided.addAll(list.packs()));
            return new SessionGuard(parts, session, List.of(), avoided);
        } catch (RuntimeException | Error e) {
            delete(parts, session);
            throw e;
        }
    }

    private static void put(VaultParts parts, Session session) {
        parts.contents().strays().began(session.id());
        parts.records().put(session);
    }

    private static void delete(VaultParts parts, Session session) {
        parts.records().deleteSession(session.id());
        parts.contents().strays().ended(session.id());
    }

    /// Takes up a session whose process has died, or has let go of it. From then on that process can't make the point any more,
    /// if it lives after all: another id is promised, and the name of the first is taken; but for a point that was sealed, which
    /// both may make, since it is one. Throws kind `OVERTAKEN` if the session is over.
    ///
    /// @param isSealed whether the promised point was sealed
    public static SessionGuard resume(VaultParts parts, ObjectId point, boolean isSealed) {
        Records records = parts.records();
        List<Session> renewals = new ArrayList<>();
        for (Found<Session> found : records.sessions()) {
            if (found.record().point().equals(point)) {
                renewals.add(found.record());
            }
        }
        if (renewals.isEmpty()) {
            throw over(parts, null);
        }
        renewals.sort(Comparator.comparing(Session::renewedAt));
        Session last = renewals.getLast();
        Instant now = parts.clock().instant();
        ObjectId id = ObjectId.random(parts.randomness());
        Session fresh =
                isSealed
                        ? last.renewed(id, now)
                        : last.promising(id, ObjectId.random(parts.randomness()), now);
        put(parts, fresh);
        try {
            requireOpen(parts, point, isSealed);
            Set<ObjectId> avoided = new HashSet<>();
            for (PackList list : pending(records)) {
                if (last.known().contains(list.id())) {
                    avoided.addAll(list.packs());
                }
            }
            return new SessionGuard(parts, fresh, renewals, avoided);
        } catch (RuntimeException | Error e) {
            delete(parts, fresh);
            throw e;
        }
    }

    /// Only when the fresh record stands: who takes the session for dead looks for it first.
    private static void requireOpen(VaultParts parts, ObjectId point, boolean isSealed) {
        if (isSealed) {
            // What takes the name now is found by the commit.
            return;
        }
        try {
            parts.records().revoke(point);
        } catch (VaultException e) {
            throw e.kind() == Kind.EXISTS ? over(parts, e) : e;
        }
    }

    private static VaultException over(VaultParts parts, @Nullable VaultException cause) {
        return new VaultException(
                Kind.OVERTAKEN, "vault.session-over", cause, parts.contents().location());
    }

    private static List<PackList> pending(Records records) {
        List<PackList> pending = new ArrayList<>();
        // In this order: a condemnation that goes has a verdict before.
        records.condemned().forEach(found -> pending.add(found.record()));
        records.executed().forEach(found -> pending.add(found.record()));
        return pending;
    }

    private static Set<ObjectId> ids(List<PackList> lists) {
        Set<ObjectId> ids = new HashSet<>();
        lists.forEach(list -> ids.add(list.id()));
        return ids;
    }

    /// The id of the point that the session may make.
    public synchronized ObjectId point() {
        return session.point();
    }

    /// When the session's record was made, by the store's clock.
    public Instant madeAt() {
        return records.madeAt(session);
    }

    /// Packs whose items must be stored anew.
    Set<ObjectId> avoided() {
        return avoided;
    }

    /// Puts the record anew: whoever looks sees that the session lives. May be called again if it throws.
    synchronized void renew() {
        if (closed) {
            return;
        }
        Session fresh =
                session.renewed(ObjectId.random(parts.randomness()), parts.clock().instant());
        try {
            put(parts, fresh);
        } catch (VaultException e) {
            // It may be there all the same, or come later.
            older.add(fresh);
            throw e;
        }
        List<Session> replaced = List.copyOf(older);
        older.add(session);
        session = fresh;
        // A listing that comes in parts may have passed the new name and not reached the old one
        // yet, so the last
        // two stay.
        if (!mayLinger()) {
            delete(replaced);
        }
    }

    /// Whether a listing may miss the newest record: then the older ones stay as long as the session, or it would be
    /// missed as a whole.
    private boolean mayLinger() {
        return !parts.contents().store().listingDelay().isZero();
    }

    private void delete(List<Session> replaced) {
        for (Session record : replaced) {
            delete(parts, record);
            older.remove(record);
        }
    }

    /// The name of the promised point is taken by what no holder of the key made: promises a point of another id. Until this
    /// session ends the record before stays too, so that there is no moment at which nothing keeps what it relies on.
    synchronized void promiseAnother() {
        Session fresh =
                session.promising(
                        ObjectId.random(parts.randomness()),
                        ObjectId.random(parts.randomness()),
                        parts.clock().instant());
        put(parts, fresh);
        older.add(session);
        session = fresh;
        lingers = false;
    }

    /// The point is about to be made. If nobody ever tells whether it was, the record stays: the request may still be on
    /// its way, and until prune has taken the point's name, what the point needs must not go.
    void committing() {
        lingers = true;
    }

    /// The point was made. Where listings may be late, the record must stay until everybody sees the point.
    void committed() {
        lingers = mayLinger();
    }

    /// The index does not tell of all that was stored: the record is to stay, so that others look for it.
    void leave() {
        lingers = true;
    }

    /// As [#close], but the record stays, and with it what the session relies on, until its patience is over.
    void detach() {
        lingers = true;
        close();
    }

    @Override
    public void close() {
        renewal.close();
        synchronized (this) {
            if (!closed && !lingers) {
                deleteRecords();
            }
            closed = true;
            older.forEach(record -> parts.contents().strays().ended(record.id()));
            parts.contents().strays().ended(session.id());
        }
    }

    /// A record that stays is that of a dead session, which prune gets rid of. To throw would deny the commit before.
    private void deleteRecords() {
        try {
            delete(List.copyOf(older));
            delete(parts, session);
        } catch (VaultException _) {
            // As above.
        }
    }
}
