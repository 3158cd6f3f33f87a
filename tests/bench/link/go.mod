module haulage/link

go 1.24
