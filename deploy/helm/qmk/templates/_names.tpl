{{- define "qmk.labels" -}}
app.kubernetes.io/name: qmk
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "qmk.name" -}}
{{ printf "%s-qmk" .Release.Name | trunc 52 | trimSuffix "-" }}
{{- end }}
