{{- define "gateway.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "gateway.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "gateway.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "gateway.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "gateway.selectorLabels" -}}
app.kubernetes.io/name: {{ include "gateway.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "gateway.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "gateway.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "gateway.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "gateway.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "gateway.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Helm reads numbers of a file as floating-point ones, and would write a million as 1e+06. */}}
{{- define "gateway.text" -}}
{{- if kindIs "float64" . -}}{{- int64 . -}}{{- else -}}{{- toString . -}}{{- end -}}
{{- end -}}

{{- define "gateway.port" -}}
{{- include "gateway.text" (default 4000 (get .Values.config "PORT")) -}}
{{- end -}}

{{- define "gateway.metricsPort" -}}
{{- include "gateway.text" (default 9464 (get .Values.config "METRICS_PORT")) -}}
{{- end -}}

{{- define "gateway.allowedHosts" -}}
{{- if get .Values.config "ALLOWED_HOSTS" -}}
{{- get .Values.config "ALLOWED_HOSTS" -}}
{{- else -}}
{{- $name := include "gateway.fullname" . -}}
{{- $inside := list $name (printf "%s.%s" $name .Release.Namespace) (printf "%s.%s.svc" $name .Release.Namespace) (printf "%s.%s.svc.cluster.local" $name .Release.Namespace) -}}
{{- $outside := list -}}
{{- if .Values.ingress.enabled -}}{{- $outside = concat $outside .Values.ingress.hosts -}}{{- end -}}
{{- if .Values.httpRoute.enabled -}}{{- $outside = concat $outside .Values.httpRoute.hostnames -}}{{- end -}}
{{- concat $inside $outside (list "localhost" "127.0.0.1") | uniq | join "," -}}
{{- end -}}
{{- end -}}

{{/* Nothing but demo data, and nobody said who may have it. */}}
{{- define "gateway.isOpenDemo" -}}
{{- $config := .Values.config -}}
{{- if and (eq (toString (default "emulator" (get $config "UPSTREAM"))) "emulator") (ne (toString (get $config "AUTH")) "jwt") (not (hasKey $config "AUTH_ALLOW_ANONYMOUS")) -}}
true
{{- end -}}
{{- end -}}
