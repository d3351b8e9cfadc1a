// Command rest2ldap is a secure REST API in front of an LDAP directory: HTTPS
// in, LDAPS out, nothing in clear.
//
//	rest2ldap demo                            # with a directory of its own
//	rest2ldap serve  --config gateway.yaml    # answer requests
//	rest2ldap check  --config gateway.yaml    # what is wrong with it?
//	rest2ldap config --config gateway.yaml    # what is in force, and why?
//	rest2ldap migrate DIR                     # from an older gateway
//	rest2ldap completion bash|zsh|fish
//	rest2ldap version
//
// The exit status is 0 for success, 1 for a configuration or a start that
// failed, 2 for a command line that makes no sense. Problems and logs go to
// standard error; standard output holds what a command is asked for, for serve
// one line when it listens.
package main
