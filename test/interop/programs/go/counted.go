package main

import "os"

// counted writes one run down, and gives the text that answers it.
func counted(key string) (string, error) {
	ledger, err := os.OpenFile(os.Getenv("INTEROP_LEDGER"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	defer ledger.Close()
	_, err = ledger.WriteString(key + "\n")
	return "counted " + key, err
}
