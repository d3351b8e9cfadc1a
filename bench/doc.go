// Command bench measures the gateway beside its controls, on this machine, against
// a real OpenLDAP: it starts all of them, lets them work in turns, and prints one
// line a row with the median of the rounds.
//
//	row <TAB> unit <TAB> ours <TAB> control <TAB> ratio <TAB> target <TAB> met|missed|later
//
// The same goes to bench/out/bench.json. Processor time is read from the kernel
// (/proc), so that it runs on Linux only.
package main
