"""Alerts: rules over opportunities, told through channels, recorded before they are sent."""
