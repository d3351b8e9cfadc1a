// Package audit records who did what: one [Event] for every request, written
// as one JSON object a line.
//
// The order of events for a request:
//
//  1. The edge calls [Recorder.Begin] and puts the Event into the context
//     ([NewContext]). Whoever learns something fills it in: the authenticator's
//     result ([Event.SetPrincipal]), the resource ([Event.SetResource]), each
//     operation that leaves for the directory ([Event.CountOperation]).
//  2. Before the first operation that changes anything, the engine calls
//     [Event.Attempt]. It returns once a record with phase "attempt" is on disk;
//     while it fails, nothing may be changed. All requests that wait at the same
//     moment share one fsync.
//  3. The edge calls [Event.End] with the status. That queues the record with
//     phase "outcome" and never waits for a disk.
//
// A request that only reads has one record, the outcome; a change has an
// attempt and then an outcome with the same transactionId. An attempt without
// an outcome is a change during which the gateway died: what became of it, the
// directory knows. After an error of the sink a record may stand twice;
// transactionId and phase identify it.
//
// When the sink fails, changes are refused and reads go on: their records wait
// in a bounded buffer, and what does not fit is counted, logged, and confessed
// in the stream itself by a record with phase "gap" as soon as it can be written.
//
// # The record
//
// The members come in this order; those without a value are left out, but for
// time, transactionId, phase, and in an outcome status, result, elapsedMicros
// and ldapOperations.
//
//	time            when the record was made, UTC with milliseconds (RFC 3339)
//	transactionId   the id that the answer's header carries
//	phase           "attempt", "outcome" or "gap"
//	client          address of the client
//	tlsVersion, tlsCipher, tlsGroup   of the client's connection
//	principal       name of the caller, as the authenticator gave it
//	authMethod      how the caller was authenticated
//	authzId         as whom the gateway acts in the directory
//	method, path    HTTP method, and path as received, without the query
//	verb            what that meant: "read"
//	action          the name of an action: "modifyPassword"
//	resource        the path of the resource: "users/bjensen"
//	changed         names of the changed attributes, never their values
//	status, result  HTTP status, and the kind of the fault or "ok"
//	reason          why authentication was refused, more closely than the client may know;
//	                "graceLogin" for one that was let in with an expired password
//	elapsedMicros   from Begin to End
//	ldapOperations  operations sent to the directory
//	rows            resources returned by a query
//	lost            in a gap: records that could not be kept
//
// There is no field for headers, query strings, bodies or values, so that no
// secret can get in. Text of a client is escaped down to printable characters
// and cut at [MaxText] bytes: it cannot end a line, nor turn one around.
//
// This package imports nothing of ours.
package audit
