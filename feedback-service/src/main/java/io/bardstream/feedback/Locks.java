package io.bardstream.feedback;

import org.hibernate.Session;

/** What only one may do at a time, in all replicas together; a lock ends with its transaction. */
final class Locks {
    static final int PUBLISHING = 0x6261_7201; // any numbers that no other lock in this database has
    static final int STOCKING = 0x6261_7202;
    static final int ASSIGNING = 0x6261_7203;
    static final int IMPORTING = 0x6261_7204;

    private Locks() {}

    /** Waits for the lock. */
    static void take(int lock, Session database) {
        database.createNativeQuery("select 1 from (select pg_advisory_xact_lock(?1)) as granted", Integer.class)
                .setParameter(1, lock)
                .getSingleResult();
    }

    /** Takes the lock where it is free, and says whether it was. */
    static boolean tryToTake(int lock, Session database) {
        return database.createNativeQuery("select pg_try_advisory_xact_lock(?1)", Boolean.class)
                .setParameter(1, lock)
                .getSingleResult();
    }
}
