package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// knownVerb refuses what is no verb, with the one that may have been meant.
func knownVerb(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q", args[0])
	if near := root.SuggestionsFor(args[0]); len(near) > 0 {
		text += fmt.Sprintf("; did you mean %s?", near[0])
	}
	return fmt.Errorf("%s", text)
}

// noArguments refuses arguments. A file may have been meant as the configuration.
func noArguments(verb *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case verb.Flags().Lookup("config") != nil:
		return fmt.Errorf("%s takes no argument, and %q is one; a configuration file is named by --config", verb.Name(), args[0])
	}
	return fmt.Errorf("%s takes no argument, and %q is one", verb.Name(), args[0])
}

// oneArgument refuses any other number of them.
func oneArgument(what string) cobra.PositionalArgs {
	return func(verb *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return fmt.Errorf("%s takes one argument, %s; there are %d", verb.Name(), what, len(args))
	}
}

func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [VERB]",
		Short: "Explain the program, or a verb of it",
		Long:  `Explain the program, or a verb of it, as "rest2ldap VERB --help" does.`,
		Args:  cobra.MaximumNArgs(1),
		ValidArgsFunction: func(help *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var verbs []cobra.Completion
			for _, verb := range help.Root().Commands() {
				if len(args) == 0 && verb.IsAvailableCommand() {
					verbs = append(verbs, cobra.CompletionWithDesc(verb.Name(), verb.Short))
				}
			}
			return verbs, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(help *cobra.Command, args []string) error {
			verb, left, err := help.Root().Find(args)
			if err == nil && len(left) > 0 {
				err = knownVerb(help.Root(), left)
			}
			if err != nil {
				return err
			}
			verb.InitDefaultHelpFlag()
			return verb.Help()
		},
	}
}
